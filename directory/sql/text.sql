-- How text is made comparable. Both functions have a twin in search.py, and a test that holds
-- them equal; neither relies on the server's locale, nor on an extension.

CREATE OR REPLACE FUNCTION public.fold(value text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN pg_catalog.lower(
    pg_catalog.translate(
        pg_catalog.replace(pg_catalog.replace(pg_catalog.replace(pg_catalog.replace(pg_catalog.replace(value, 'Æ', 'ae'), 'ß', 'ss'), 'æ', 'ae'), 'Œ', 'oe'), 'œ', 'oe'),
        U&'ÀÁÂÃÄÅÇÈÉÊËÌÍÎÏÑÒÓÔÕÖÙÚÛÜÝàáâãäåçèéêëìíîïñòóôõöùúûüýÿĀāĂăĄąĆ'
        || U&'ćĈĉĊċČčĎďĒēĔĕĖėĘęĚěĜĝĞğĠġĢģĤĥĨĩĪīĬĭĮįİĴĵĶķĹĺĻļĽľŃńŅņŇňŌōŎŏŐő'
        || U&'ŔŕŖŗŘřŚśŜŝŞşŠšŢţŤťŨũŪūŬŭŮůŰűŲųŴŵŶŷŸŹźŻżŽžƠơƯưǍǎǏǐǑǒǓǔǕǖǗǘǙǚǛ'
        || U&'ǜǞǟǠǡǦǧǨǩǪǫǬǭǰǴǵǸǹǺǻȀȁȂȃȄȅȆȇȈȉȊȋȌȍȎȏȐȑȒȓȔȕȖȗȘșȚțȞȟȦȧȨȩȪȫȬȭȮȯ'
        || U&'ȰȱȲȳḀḁḂḃḄḅḆḇḈḉḊḋḌḍḎḏḐḑḒḓḔḕḖḗḘḙḚḛḜḝḞḟḠḡḢḣḤḥḦḧḨḩḪḫḬḭḮḯḰḱḲḳḴḵḶḷ'
        || U&'ḸḹḺḻḼḽḾḿṀṁṂṃṄṅṆṇṈṉṊṋṌṍṎṏṐṑṒṓṔṕṖṗṘṙṚṛṜṝṞṟṠṡṢṣṤṥṦṧṨṩṪṫṬṭṮṯṰṱṲṳ'
        || U&'ṴṵṶṷṸṹṺṻṼṽṾṿẀẁẂẃẄẅẆẇẈẉẊẋẌẍẎẏẐẑẒẓẔẕẖẗẘẙẠạẢảẤấẦầẨẩẪẫẬậẮắẰằẲẳẴẵ'
        || U&'ẶặẸẹẺẻẼẽẾếỀềỂểỄễỆệỈỉỊịỌọỎỏỐốỒồỔổỖỗỘộỚớỜờỞởỠỡỢợỤụỦủỨứỪừỬửỮữỰự'
        || U&'ỲỳỴỵỶỷỸỹ\00A0\2007\2009\202F\2019\2018\02BC\2032`´\2010\2011\2012\2013\2014øØłŁđĐı'
        -- These have no counterpart below, so they disappear.
        || U&'\00AD\0300\0301\0302\0303\0304\0305\0306\0307\0308\0309\030A\030B\030C\030D\030E\030F\0310\0311\0312'
        || U&'\0313\0314\0315\0316\0317\0318\0319\031A\031B\031C\031D\031E\031F\0320\0321\0322\0323\0324\0325\0326'
        || U&'\0327\0328\0329\032A\032B\032C\032D\032E\032F\0330\0331\0332\0333\0334\0335\0336\0337\0338\0339\033A'
        || U&'\033B\033C\033D\033E\033F\0340\0341\0342\0343\0344\0345\0346\0347\0348\0349\034A\034B\034C\034D\034E'
        || U&'\034F\0350\0351\0352\0353\0354\0355\0356\0357\0358\0359\035A\035B\035C\035D\035E\035F\0360\0361\0362'
        || U&'\0363\0364\0365\0366\0367\0368\0369\036A\036B\036C\036D\036E\036F\200B\200C\200D\202A\202B\202C\202D'
        || U&'\202E\2060\2066\2067\2068\2069\FEFF',
        'aaaaaaceeeeiiiinooooouuuuyaaaaaaceeeeiiiinooooouuuuyyaaaaaac'
        || 'cccccccddeeeeeeeeeegggggggghhiiiiiiiiijjkkllllllnnnnnnoooooo'
        || 'rrrrrrssssssssttttuuuuuuuuuuuuwwyyyzzzzzzoouuaaiioouuuuuuuuu'
        || 'uaaaaggkkoooojggnnaaaaaaeeeeiiiioooorrrruuuusstthhaaeeoooooo'
        || 'ooyyaabbbbbbccddddddddddeeeeeeeeeeffgghhhhhhhhhhiiiikkkkkkll'
        || 'llllllmmmmmmnnnnnnnnoooooooopppprrrrrrrrssssssssssttttttttuu'
        || 'uuuuuuuuvvvvwwwwwwwwwwxxxxyyzzzzzzhtwyaaaaaaaaaaaaaaaaaaaaaa'
        || 'aaeeeeeeeeeeeeeeeeiiiioooooooooooooooooooooooouuuuuuuuuuuuuu'
        || 'yyyyyyyy    ''''''''''''-----oollddi'
    ) COLLATE "C"
);

CREATE OR REPLACE FUNCTION public.normalise(value text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN pg_catalog.btrim(
    pg_catalog.regexp_replace(
    pg_catalog.regexp_replace(
    pg_catalog.regexp_replace(
    pg_catalog.regexp_replace(
    pg_catalog.regexp_replace(
    pg_catalog.regexp_replace(
    pg_catalog.regexp_replace(
    pg_catalog.regexp_replace(
    pg_catalog.regexp_replace(
        public.fold(value) COLLATE "C",
        '[\u0001-/:-`{-\u00bf×÷\u2000-\u206f\u2190-\u2bff\u3000-\u303f]+', ' ', 'g'),
        '([a-z]{2})eaux(?= |$)', '\1eau', 'g'),
        '([a-z]{2})yaux(?= |$)', '\1yau', 'g'),
        '([a-z]{3})aux(?= |$)', '\1al', 'g'),
        '([a-z]{3})[sx](?= |$)', '\1', 'g'),
        '([a-z]{3})ail(?= |$)', '\1al', 'g'),
        '([a-z]{3})i(el|au)(?= |$)', '\1ial', 'g'),
        '([a-z]{3})ere(?= |$)', '\1er', 'g'),
        '([a-z]{3})ee(?= |$)', '\1e', 'g')
);

CREATE TEXT SEARCH DICTIONARY public.directory_stem (
    TEMPLATE = pg_catalog.snowball, Language = french
);

-- Every word goes through the French stemmer, stop words included: a phrase needs them, and a
-- query outside phrases does not ask for them.
CREATE TEXT SEARCH CONFIGURATION public.directory_french (PARSER = pg_catalog."default");
ALTER TEXT SEARCH CONFIGURATION public.directory_french
    ADD MAPPING FOR asciiword, word, numword WITH public.directory_stem;
ALTER TEXT SEARCH CONFIGURATION public.directory_french
    ADD MAPPING FOR int, uint, float, sfloat, version WITH pg_catalog.simple;
